package pact.authz

reasons contains "shells are not to be opened here" if {
	input.action == "shell"
	some limit in limits
	limit.shell.denied == true
}
