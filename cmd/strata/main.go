// Command strata deploys a layered Terraform monorepo with the tools found on
// PATH. The Dagger module at the repository's root does the same in containers.
package main

import (
	"fmt"
	"os"
)

func main() {
	app := &app{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	stop := app.catchSignals()
	err := app.command().Execute()
	stop()
	if err != nil && err.Error() != "" {
		fmt.Fprintf(app.stderr, "strata: %v\n", err)
	}
	os.Exit(exitCode(err))
}
