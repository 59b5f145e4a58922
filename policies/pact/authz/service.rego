package pact.authz

reasons contains concat("", ["service ", input.service_name, " is not to be touched here"]) if {
	input.action in {"service_start", "service_stop", "service_restart"}
	not input.emergency_mode
	some limit in limits
	input.service_name in limit.service.denied_services
}
