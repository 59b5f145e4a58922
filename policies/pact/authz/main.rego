# METADATA
# title: What a site's rules add to the roles of pact
# description: |
#   Asked about what roles and bindings allow, so it can only restrict. Without limits in
#   data.pact.limits no rule of this package gives a reason, and everything stays as the roles say.
package pact.authz

default allow := false

allow if count(reasons) == 0

deny_reason := concat("; ", sort(reasons)) if count(reasons) > 0

# The limits that hold for a request: those of the whole site and those of its vCluster.
limits contains data.pact.limits.site

limits contains data.pact.limits.vclusters[input.vcluster]
