module pact/bench/tls-load

go 1.26
