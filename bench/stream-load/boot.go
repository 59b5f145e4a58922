package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

type bootResult struct {
	Streams     int     `json:"streams"`
	Failed      int     `json:"failed"`
	FirstError  string  `json:"first_error,omitempty"`
	Seconds     float64 `json:"seconds"`
	PerSecond   float64 `json:"per_second"`
	BytesEach   int64   `json:"bytes_each"`
	MedianMs    float64 `json:"median_ms"`
	P99Ms       float64 `json:"p99_ms"`
	Connections string  `json:"connections"`
}

type bootOptions struct {
	nodes      *nodes
	nodePrefix string
	vcluster   string
	path       string
	streams    int
	atOnce     int
	keep       bool
	held       bool
}

// runBoot reads -streams boot streams to their end, -at-once at a time.
func runBoot(arguments []string) (any, error) {
	flags := flag.NewFlagSet("boot", flag.ExitOnError)
	address := flags.String("address", "", "HOST:PORT of the server")
	caFile := flags.String("ca", "", "CA of the server's certificate")
	directory := flags.String("certs", "", "directory of 0.crt, 0.key and so on")
	certificates := flags.Int("cert-count", 0, "how many certificates are there")
	options := bootOptions{}
	flags.StringVar(&options.nodePrefix, "node-prefix", "n", "node ids are this and a number")
	flags.StringVar(&options.vcluster, "vcluster", "", "vCluster of the nodes")
	flags.StringVar(&options.path, "get", "", "GET this path instead of a boot stream")
	flags.IntVar(&options.streams, "streams", 10_000, "streams in all")
	flags.IntVar(&options.atOnce, "at-once", 500, "streams at a time")
	flags.BoolVar(&options.keep, "keep", false, "each of the -at-once keeps its connection")
	flags.BoolVar(&options.held, "held", false, "the node holds the overlay already: no phase 1")
	_ = flags.Parse(arguments)
	loaded, err := loadNodes(*address, *caFile, *directory, *certificates)
	if err != nil {
		return nil, err
	}
	options.nodes = loaded
	return options.run(), nil
}

func (o bootOptions) run() bootResult {
	var next, failed, bytesAll atomic.Int64
	var firstError atomic.Value
	durations := make([]time.Duration, o.streams)
	var workers sync.WaitGroup
	began := time.Now()
	for worker := range o.atOnce {
		workers.Go(func() {
			var kept *http2.ClientConn
			for {
				// Ends when every stream has been taken.
				number := int(next.Add(1)) - 1
				if number >= o.streams {
					break
				}
				streamBegan := time.Now()
				node := number
				if o.keep {
					node = worker
				}
				size, connection, err := o.one(node, kept)
				if o.keep {
					kept = connection
				}
				durations[number] = time.Since(streamBegan)
				bytesAll.Add(size)
				if err != nil {
					failed.Add(1)
					firstError.CompareAndSwap(nil, err.Error())
				}
			}
			if kept != nil {
				kept.Close()
			}
		})
	}
	workers.Wait()
	seconds := time.Since(began).Seconds()
	slices.Sort(durations)
	first, _ := firstError.Load().(string)
	return bootResult{
		Streams:     o.streams,
		Failed:      int(failed.Load()),
		FirstError:  first,
		Seconds:     seconds,
		PerSecond:   float64(o.streams) / seconds,
		BytesEach:   bytesAll.Load() / int64(o.streams),
		MedianMs:    milliseconds(durations[len(durations)/2]),
		P99Ms:       milliseconds(durations[len(durations)*99/100]),
		Connections: map[bool]string{true: "kept", false: "one each"}[o.keep],
	}
}

// one reads one stream, over the connection given or over one of its own.
func (o bootOptions) one(number int, kept *http2.ClientConn) (int64, *http2.ClientConn, error) {
	connection := kept
	if connection == nil {
		opened, err := o.nodes.connect(number)
		if err != nil {
			return 0, nil, err
		}
		connection = opened
	}
	if !o.keep {
		defer connection.Close()
	}
	request, err := o.request(number)
	if err != nil {
		return 0, connection, err
	}
	response, err := connection.RoundTrip(request)
	if err != nil {
		return 0, connection, err
	}
	defer response.Body.Close()
	size, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		return size, connection, err
	}
	if response.StatusCode != http.StatusOK {
		return size, connection, fmt.Errorf("answered %s", response.Status)
	}
	if o.path == "" {
		return size, connection, grpcError(response)
	}
	return size, connection, nil
}

func (o bootOptions) request(number int) (*http.Request, error) {
	if o.path != "" {
		return http.NewRequest(http.MethodGet, "https://"+o.nodes.address+o.path, nil)
	}
	node := fmt.Sprintf("%s%d", o.nodePrefix, number%max(len(o.nodes.certificates), 1))
	message := appendString(nil, 1, node)
	message = appendString(message, 2, o.vcluster)
	if o.held {
		message = appendVarint(message, 3, 1<<50)
	}
	return grpcRequest(o.nodes.address, "/pact.stream.BootConfigService/StreamBootConfig", message)
}

func grpcRequest(address, method string, message []byte) (*http.Request, error) {
	request, err := http.NewRequest(
		http.MethodPost, "https://"+address+method, bytes.NewReader(grpcFrame(message)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/grpc")
	request.Header.Set("te", "trailers")
	return request, nil
}

// grpcError is the error that the trailers of an answer carry.
func grpcError(response *http.Response) error {
	status := response.Trailer.Get("grpc-status")
	message := response.Trailer.Get("grpc-message")
	if status == "" {
		status, message = response.Header.Get("grpc-status"), response.Header.Get("grpc-message")
	}
	if status == "0" {
		return nil
	}
	return fmt.Errorf("grpc-status %q: %s", status, message)
}

func milliseconds(duration time.Duration) float64 {
	return float64(duration.Microseconds()) / 1000
}
