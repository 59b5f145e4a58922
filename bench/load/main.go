// Load drives etcd and the journal alike: unary writes of values of a fixed size, a closed loop of
// clients, over HTTP/1.1 with JSON or over gRPC. It prints one JSON object and fails when any
// request failed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	target := flag.String("target", "", "etcd or pact")
	protocol := flag.String("protocol", "http-json", "http-json or grpc")
	endpoints := flag.String("endpoints", "", "HOST:PORT, several with commas; clients are spread over them")
	tokenFile := flag.String("token-file", "", "bearer token of the requests")
	scope := flag.String("vcluster", "bench", "vCluster that entries are written to (pact)")
	plan := plan{}
	flag.IntVar(&plan.clients, "clients", 1, "clients, each with one request under way")
	flag.IntVar(&plan.valueBytes, "value-bytes", 512, "size of a value")
	flag.IntVar(&plan.perConnection, "per-connection", 32, "clients that share a connection (grpc)")
	flag.DurationVar(&plan.warmUp, "warm-up", 2*time.Second, "load before the measurement")
	flag.DurationVar(&plan.duration, "duration", 5*time.Second, "measurement")
	flag.Parse()
	plan.endpoints = strings.Split(*endpoints, ",")

	token := ""
	if *tokenFile != "" {
		text, err := os.ReadFile(*tokenFile)
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(text))
	}
	writes, err := newWrites(*target, *scope, token, plan.valueBytes)
	if err != nil {
		return err
	}
	var open opener
	switch *protocol {
	case "http-json":
		open = openHTTP1(writes)
	case "grpc":
		open = openGRPC(writes, plan.perConnection)
	default:
		return fmt.Errorf("unknown protocol %q: http-json or grpc", *protocol)
	}
	result, err := plan.measure(open)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return err
	}
	if result.Errors > 0 {
		return fmt.Errorf("%d of %d requests failed: %s", result.Errors, result.Requests, result.FirstError)
	}
	return nil
}
