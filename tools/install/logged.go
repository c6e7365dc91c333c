package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// runLogged runs a command that writes into the log. What it wrote says why it
// failed, to whoever can read it.
func runLogged(cmd *exec.Cmd, log *os.File, why func(string) string) error {
	start, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Run()
	if err == nil {
		return nil
	}
	text, errRead := os.ReadFile(log.Name())
	if errRead != nil {
		return errors.Join(err, errRead)
	}
	if reason := why(string(text[start:])); reason != "" {
		return errors.New(reason)
	}
	return err
}

// whyVenv is the first paragraph of what venv printed, or the end of a traceback.
func whyVenv(out string) string {
	if strings.Contains(out, "Traceback (most recent call last)") {
		lines := strings.Split(strings.TrimSpace(out), "\n")
		return oneLine(lines[len(lines)-1])
	}
	paragraph, _, _ := strings.Cut(strings.TrimSpace(out), "\n\n")
	return oneLine(paragraph)
}

// whyPip is the last error that pip printed, with what it says before that about
// the network.
func whyPip(out string) string {
	reason := ""
	if errs := regexp.MustCompile(`(?m)^ERROR: (.*)`).FindAllStringSubmatch(out, -1); errs != nil {
		reason = oneLine(errs[len(errs)-1][1])
	}
	if strings.Contains(out, "WARNING: Retrying (") {
		reason = strings.TrimSuffix("the package index does not answer: "+reason, ": ")
	}
	return reason
}

// whyGo is the first line that tells of something else than progress.
func whyGo(out string) string {
	for line := range strings.Lines(out) {
		if line = oneLine(line); line != "" && !strings.HasPrefix(line, "go: downloading ") && !strings.HasPrefix(line, "# ") {
			return line
		}
	}
	return ""
}

// oneLine makes one line of a text, of at most 240 characters.
func oneLine(text string) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > 240 {
		return string(line[:239]) + "…"
	}
	return string(line)
}
