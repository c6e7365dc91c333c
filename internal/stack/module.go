package stack

// Module is what one Terraform folder declares, read without running
// Terraform. Only what can be read without evaluating expressions is here.
type Module struct {
	Files     []string            // names of its .tf, .tofu and .tf.json files, sorted
	Backend   *BackendBlock       // nil if there is none: local state
	Cloud     *Position           // where a cloud block stands, if any
	Required  string              // required_version constraints, joined by ", "
	Variables map[string]Variable // declared input variables
	Outputs   map[string]Output   // declared outputs
	Providers []string            // source addresses of required and implied providers, sorted; built-in ones are left out
	Calls     []Call              // module blocks, in file order
	Reads     bool                // it has data sources, ephemeral resources or checks: its plan depends on more than its files and values
}

// BackendBlock is a backend block's type and its constant settings.
type BackendBlock struct {
	Type     string
	Settings map[string]string // constant attributes as written; nested blocks are left out
	Dynamic  []string          // names of attributes that are no constants (OpenTofu allows them), sorted
	Pos      Position
}

// Variable is a declared input variable.
type Variable struct {
	Type       string // the type expression as written, "" if none
	HasDefault bool
	Sensitive  bool
	Ephemeral  bool
	Pos        Position
}

// Output is a declared output.
type Output struct {
	Sensitive bool
	Pos       Position
}

// Call is a module block.
type Call struct {
	Name    string
	Source  string // as written, "" if it is not a constant
	Version string
	Dir     string // for a local source: the folder, slash path relative to the repository's root; "" otherwise
	Pos     Position
}

// Position is a place in a file of the repository.
type Position struct {
	File   string
	Line   int
	Column int
}
