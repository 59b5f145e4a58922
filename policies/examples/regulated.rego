# METADATA
# title: Example rules of a regulated vCluster named bio-regulated
package pact.vcluster.bio_regulated

# Whoever changes anything finds a second person first.
requires_approval if input.action in {
	"commit",
	"apply",
	"promote",
	"rollback",
	"service_start",
	"service_stop",
	"reboot",
	"reimage",
}

# What is only read is on record as well.
audit_required := true

allowed_commands := {"hostname", "uptime", "df", "nvidia-smi", "journalctl"}

restartable_services := {"chronyd"}

# Machines read, and do nothing else.
deny contains "only people act in bio-regulated" if {
	input.identity.principal_type != "Human"
	not input.action in {"status", "log", "diff", "cap", "watch", "service_status", "query_fleet"}
}

# Changes are made when colleagues are there: 07:00 to 19:00 UTC.
deny contains "changes to bio-regulated are made between 07:00 and 19:00 UTC" if {
	input.action in {"commit", "apply", "promote"}
	not input.emergency_mode
	not by_day
}

by_day if {
	hour := substring(input.time, 11, 2)
	hour >= "07"
	hour < "19"
}
