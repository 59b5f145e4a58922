package pact.authz_test

import data.pact.authz

ops := {
	"identity": {"principal": "bo", "role": "pact-ops-ml", "roles": ["pact-ops-ml"], "principal_type": "Human"},
	"scope": {"vcluster": "ml", "node": null, "global": false},
	"vcluster": "ml",
	"emergency_mode": false,
}

asked(action, more) := object.union(object.union(ops, {"action": action}), more)

test_without_limits_everything_is_allowed if {
	every action in ["commit", "exec", "shell", "emergency_start", "service_restart", "reboot"] {
		authz.allow with input as asked(action, {})
	}
	not authz.deny_reason with input as asked("commit", {})
}

limited := {
	"site": {"exec": {"denied_commands": ["dd"], "denied_arguments": {"nvidia-smi": ["--gpu-reset"]}}},
	"vclusters": {
		"ml": {
			"commit": {"denied_categories": ["packages"], "denied_key_prefixes": ["kernel:kernel."], "max_items": 3},
			"shell": {"denied": true},
			"emergency": {"denied": true},
			"service": {"denied_services": ["munge"]},
		},
		"bio": {"commit": {"max_items": 0}},
	},
}

test_a_denied_command_is_named if {
	question := asked("exec", {"command": "dd", "args": []})
	not authz.allow with input as question with data.pact.limits as limited
	reason := authz.deny_reason with input as question with data.pact.limits as limited
	reason == "command dd is not to be run here"
}

test_other_commands_go_on if {
	authz.allow with input as asked("exec", {"command": "ls", "args": ["-l"]}) with data.pact.limits as limited
}

test_a_denied_argument_is_named if {
	question := asked("exec", {"command": "nvidia-smi", "args": ["-i", "0", "--gpu-reset"]})
	reason := authz.deny_reason with input as question with data.pact.limits as limited
	reason == "command nvidia-smi is not to be run with --gpu-reset"
	authz.allow with input as asked("exec", {"command": "nvidia-smi", "args": ["-q"]})
		with data.pact.limits as limited
}

change(categories, keys) := {"change": {"categories": categories, "keys": keys, "count": count(keys)}}

test_reasons_are_put_together if {
	question := asked("commit", change(["kernel", "packages"], ["kernel:kernel.panic", "packages:vim"]))
	reason := authz.deny_reason with input as question with data.pact.limits as limited
	reason == "changes of packages are not to be made here; kernel:kernel.panic is not to be changed here"
}

test_a_change_may_be_too_large if {
	question := asked("apply", change(["files"], ["files:/a", "files:/b", "files:/c", "files:/d"]))
	not authz.allow with input as question with data.pact.limits as limited
	authz.allow with input as asked("apply", change(["files"], ["files:/a"])) with data.pact.limits as limited
}

test_shell_and_emergency_can_be_denied if {
	every action in ["shell", "emergency_start"] {
		not authz.allow with input as asked(action, {}) with data.pact.limits as limited
	}
	authz.allow with input as asked("emergency_end", {}) with data.pact.limits as limited
}

test_a_service_can_be_kept_but_not_in_an_emergency if {
	question := asked("service_stop", {"service_name": "munge"})
	not authz.allow with input as question with data.pact.limits as limited
	authz.allow with input as object.union(question, {"emergency_mode": true}) with data.pact.limits as limited
	authz.allow with input as asked("service_stop", {"service_name": "chronyd"}) with data.pact.limits as limited
}

test_limits_of_another_vcluster_do_not_hold if {
	authz.allow with input as object.union(asked("shell", {}), {"vcluster": "bio"})
		with data.pact.limits as limited
}
