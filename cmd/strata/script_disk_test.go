package main

import "github.com/rogpeppe/go-internal/testscript"

// scriptThing makes drift: it changes a thing of the provider disk as another
// client would.
func scriptThing(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 2, "thing FOLDER NAME KEY=JSON…|gone|broken")
	ts.Check(changeThing(ts.MkAbs(args[0]), args[1], args[2:]...))
}
