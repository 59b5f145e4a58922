package pact.authz

changes := {"commit", "apply", "promote", "rollback"}

reasons contains concat("", ["changes of ", category, " are not to be made here"]) if {
	input.action in changes
	some limit in limits
	some category in limit.commit.denied_categories
	category in input.change.categories
}

reasons contains concat("", [key, " is not to be changed here"]) if {
	input.action in changes
	some limit in limits
	some prefix in limit.commit.denied_key_prefixes
	some key in input.change.keys
	startswith(key, prefix)
}

reasons contains "the change is larger than one change may be here" if {
	input.action in changes
	some limit in limits
	input.change.count > limit.commit.max_items
}
