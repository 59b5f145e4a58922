package pact.authz

reasons contains "emergencies are not to be declared here" if {
	input.action == "emergency_start"
	some limit in limits
	limit.emergency.denied == true
}
