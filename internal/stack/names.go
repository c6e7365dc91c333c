package stack

// What names may look like. Names come from folders and become parts of ids,
// of paths and of arguments, so nothing that could be read as anything else
// (options, separators, shell words) is let in.
const (
	layerPattern    = `^[A-Za-z][A-Za-z0-9_-]*$`
	folderPattern   = `^[A-Za-z0-9][A-Za-z0-9._-]*$`
	variablePattern = `^[A-Za-z_][A-Za-z0-9_-]*$`
	needPattern     = `^[A-Za-z][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?(@([A-Za-z0-9][A-Za-z0-9._-]*|\*))?$`
	inputPattern    = `^[A-Za-z][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?(@[A-Za-z0-9][A-Za-z0-9._-]*)?\.[A-Za-z_][A-Za-z0-9_-]*$`

	// secretPattern is of names of secrets that are no variables. What is longer is
	// likelier a secret than its name.
	secretPattern = `^[A-Za-z_][A-Za-z0-9_-]{0,62}$`
	// queryPattern is of the paths of rules of policies.
	queryPattern = `^data(\.[A-Za-z_][A-Za-z0-9_]*)+$`
	// filledPattern is of text that must say something.
	filledPattern = `\S`
)

// patternHelp says in words what a pattern of the schema allows.
func patternHelp(pattern string) string {
	switch pattern {
	case layerPattern:
		return "is no name for a layer: letters, digits, - and _ are allowed, and a letter comes first"
	case folderPattern:
		return "is no name for an environment: letters, digits, '.', - and _ are allowed, and a letter or digit comes first"
	case variablePattern:
		return "is no name of a Terraform variable: letters, digits, - and _ are allowed, and a letter or _ comes first"
	case secretPattern:
		return "is no name of a secret: letters, digits, - and _ are allowed, a letter or _ comes first, and 63 characters are the most"
	case needPattern:
		return "is no need: write layer, layer/instance, layer@region, layer@* or layer/instance@region"
	case inputPattern:
		return "is no output of a need: write layer.output, layer/instance.output, layer@region.output or layer/instance@region.output"
	}
	return "does not match " + pattern
}

// folderName says whether a folder may give its name to a region, an instance
// or an environment: what folderPattern says, without its cost.
func folderName(name string) bool {
	if name == "" || len(name) > 255 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !letterOrDigit(c) && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

func letterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
