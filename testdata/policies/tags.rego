package terraform

# METADATA
# title: required tags
deny contains msg if {
	some rc in resources
	tags := rc.change.after.tags_all # what cannot have tags has none of that name
	some tag in required_tags
	not tags[tag]
	not rc.change.after_unknown.tags_all[tag] == true
	msg := sprintf("%s lacks the tag %s", [rc.address, tag])
}
