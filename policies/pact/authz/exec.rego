package pact.authz

reasons contains concat("", ["command ", input.command, " is not to be run here"]) if {
	input.action == "exec"
	some limit in limits
	input.command in limit.exec.denied_commands
}

reasons contains concat("", ["command ", input.command, " is not to be run with ", argument]) if {
	input.action == "exec"
	some limit in limits
	some argument in limit.exec.denied_arguments[input.command]
	argument in input.args
}
