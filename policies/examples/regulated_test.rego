package pact.vcluster.bio_regulated_test

import data.pact.vcluster.bio_regulated

at(time, action) := {
	"action": action,
	"time": time,
	"emergency_mode": false,
	"identity": {"principal_type": "Human"},
}

test_changes_need_a_second_person if {
	bio_regulated.requires_approval with input as at("2026-03-14T12:00:00.000Z", "commit")
	not bio_regulated.requires_approval with input as at("2026-03-14T12:00:00.000Z", "status")
}

test_changes_are_made_by_day if {
	count(bio_regulated.deny) == 0 with input as at("2026-03-14T07:00:00.000Z", "commit")
	count(bio_regulated.deny) == 1 with input as at("2026-03-14T19:00:00.000Z", "commit")
	count(bio_regulated.deny) == 1 with input as at("2026-03-14T06:59:59.999Z", "apply")
}

test_an_emergency_does_not_wait_for_the_day if {
	question := object.union(at("2026-03-14T23:00:00.000Z", "commit"), {"emergency_mode": true})
	count(bio_regulated.deny) == 0 with input as question
}

test_machines_only_read if {
	machine := {"identity": {"principal_type": "Service"}}
	time := "2026-03-14T12:00:00.000Z"
	count(bio_regulated.deny) == 1 with input as object.union(at(time, "reboot"), machine)
	count(bio_regulated.deny) == 0 with input as object.union(at(time, "status"), machine)
}
