package pact.vcluster.ml_training_test

import data.pact.vcluster.ml_training

commit := {
	"action": "commit",
	"identity": {"roles": ["pact-ops-ml-training"]},
	"emergency_mode": false,
}

test_kernel_parameters_stay if {
	count(ml_training.deny) == 1 with input as object.union(commit, {"drift_category": "kernel"})
	count(ml_training.deny) == 0 with input as object.union(commit, {"drift_category": "files"})
}

test_kernel_parameters_change_in_an_emergency if {
	question := object.union(commit, {"drift_category": "kernel", "emergency_mode": true})
	count(ml_training.deny) == 0 with input as question
}

test_gpu_settings_need_a_second_person if {
	ml_training.requires_approval with input as object.union(commit, {"drift_category": "gpu"})
	not ml_training.requires_approval with input as object.union(commit, {"drift_category": "files"})
}

test_assistants_run_nothing if {
	question := {"action": "exec", "command": "ls", "identity": {"roles": ["pact-service-ai"]}}
	count(ml_training.deny) == 1 with input as question
}
