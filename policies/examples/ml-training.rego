# METADATA
# title: Example rules of a vCluster named ml-training
# description: |
#   The package is pact.vcluster.NAME with `-` and `.` of the name as `_`. What it may define is
#   listed in policies/README.md.
package pact.vcluster.ml_training

# Kernel parameters change with the image, not one by one; in an emergency they may.
deny contains "kernel parameters of ml-training come with its image" if {
	input.action in {"commit", "apply", "promote"}
	input.drift_category == "kernel"
	not input.emergency_mode
}

# A second person agrees before the GPUs of a running training are set otherwise.
requires_approval if {
	input.action in {"commit", "apply", "promote"}
	input.drift_category == "gpu"
}

# AI assistants look, people run.
deny contains "AI assistants run no commands in ml-training" if {
	input.action == "exec"
	"pact-service-ai" in input.identity.roles
}

restartable_services := {"nvidia-persistenced", "nvidia-dcgm", "chronyd"}
