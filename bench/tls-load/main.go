// Command tls-load makes mutual TLS 1.3 handshakes, or authorised unary gRPC calls over connections
// made by them, in a closed loop, and prints what it did as one line of JSON.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// once does one operation.
type once func() error

type report struct {
	Operations int     `json:"operations"`
	PerSecond  float64 `json:"per_second"`
	P50Ms      float64 `json:"p50_ms"`
	P99Ms      float64 `json:"p99_ms"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	mode := flag.String("mode", "handshake", "handshake or call")
	endpoint := flag.String("endpoint", "", "HOST:PORT")
	ca := flag.String("ca", "", "PEM file of the CA")
	cert := flag.String("cert", "", "PEM file of the client's certificate")
	key := flag.String("key", "", "PEM file of its key")
	tokenFile := flag.String("token-file", "", "file with the bearer token of calls")
	path := flag.String("path", "", "path of the method that is called")
	message := flag.String("message", "", "request in base64")
	clients := flag.Int("clients", 8, "operations under way at once")
	perConnection := flag.Int("per-connection", 8, "calls under way at once on one connection")
	duration := flag.Duration("duration", 5*time.Second, "how long")
	flag.Parse()

	config, err := clientConfig(*ca, *cert, *key)
	if err != nil {
		return err
	}
	operations := make([]once, *clients)
	switch *mode {
	case "handshake":
		for index := range operations {
			operations[index] = func() error { return handshake(*endpoint, config) }
		}
	case "call":
		token, err := os.ReadFile(*tokenFile)
		if err != nil {
			return err
		}
		caller, err := newCaller(*endpoint, *path, strings.TrimSpace(string(token)), *message)
		if err != nil {
			return err
		}
		for index := range operations {
			if index%*perConnection == 0 {
				caller = caller.onNewConnection(config)
			}
			operations[index] = caller.call
		}
	default:
		return fmt.Errorf("unknown mode %q", *mode)
	}
	// One of each first: connections are made before the clock starts.
	for _, operation := range operations {
		if err := operation(); err != nil {
			return err
		}
	}
	result, err := measure(operations, *duration)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func clientConfig(ca, cert, key string) (*tls.Config, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + ca)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		RootCAs:      roots,
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS13,
		// The usual curve, without the hybrid that one of the servers may not know.
		CurvePreferences: []tls.CurveID{tls.X25519},
		NextProtos:       []string{"h2"},
		// Every handshake is a full one: no session is resumed.
		SessionTicketsDisabled: true,
	}, nil
}

// measure runs each operation again and again, all of them at once.
func measure(operations []once, duration time.Duration) (report, error) {
	var wait sync.WaitGroup
	var mutex sync.Mutex
	var all []time.Duration
	var failure error
	begin := time.Now()
	for _, operation := range operations {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var times []time.Duration
			var err error
			for err == nil && time.Since(begin) < duration {
				started := time.Now()
				if err = operation(); err == nil {
					times = append(times, time.Since(started))
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			all = append(all, times...)
			failure = errors.Join(failure, err)
		}()
	}
	wait.Wait()
	elapsed := time.Since(begin).Seconds()
	if failure != nil {
		return report{}, failure
	}
	slices.Sort(all)
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
	}
	return report{len(all), float64(len(all)) / elapsed, at(0.5), at(0.99)}, nil
}
