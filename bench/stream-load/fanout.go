package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

type fanoutResult struct {
	Streams int `json:"streams"`
	// DeliveredMs says when each stream had the update, in milliseconds since the epoch.
	DeliveredMs []float64 `json:"delivered_ms"`
	BytesEach   int       `json:"bytes_each"`
}

type fanoutOptions struct {
	nodes       *nodes
	nodePrefix  string
	vcluster    string
	etcdKey     string
	from        uint64
	streams     int
	connections int
}

type delivery struct {
	at   time.Time
	size int
	err  error
}

// runFanout opens -streams subscriptions, says `open` on standard error once the server holds all of
// them, and ends when each has had one update.
func runFanout(arguments []string) (any, error) {
	flags := flag.NewFlagSet("fanout", flag.ExitOnError)
	address := flags.String("address", "", "HOST:PORT of the server")
	caFile := flags.String("ca", "", "CA of the server's certificate")
	directory := flags.String("certs", "", "directory of 0.crt, 0.key and so on")
	certificates := flags.Int("cert-count", 0, "how many certificates are there")
	options := fanoutOptions{}
	flags.StringVar(&options.nodePrefix, "node-prefix", "n", "node ids are this and a number")
	flags.StringVar(&options.vcluster, "vcluster", "", "vCluster of the nodes")
	flags.StringVar(&options.etcdKey, "etcd-key", "", "watch this key of an etcd instead")
	flags.Uint64Var(&options.from, "from", 0, "subscribe from this sequence on")
	flags.IntVar(&options.streams, "streams", 10_000, "streams in all")
	flags.IntVar(&options.connections, "connections", 100, "connections they are spread over")
	_ = flags.Parse(arguments)
	loaded, err := loadNodes(*address, *caFile, *directory, *certificates)
	if err != nil {
		return nil, err
	}
	options.nodes = loaded
	return options.run()
}

func (o fanoutOptions) run() (*fanoutResult, error) {
	deliveries := make(chan delivery, o.streams)
	if err := o.openAll(deliveries); err != nil {
		return nil, err
	}
	fmt.Fprintln(os.Stderr, "open")
	result := &fanoutResult{Streams: o.streams}
	for range o.streams {
		delivered := <-deliveries
		if delivered.err != nil {
			return nil, delivered.err
		}
		result.DeliveredMs = append(result.DeliveredMs, float64(delivered.at.UnixMicro())/1000)
		result.BytesEach = delivered.size
	}
	return result, nil
}

// openAll opens the connections, a few at a time, and the streams of each.
func (o fanoutOptions) openAll(deliveries chan<- delivery) error {
	const openers = 64
	failures := make(chan error, o.connections)
	places := make(chan struct{}, openers)
	var opening sync.WaitGroup
	for index := range o.connections {
		places <- struct{}{}
		opening.Go(func() {
			defer func() { <-places }()
			connection, err := o.nodes.connect(index)
			if err != nil {
				failures <- err
				return
			}
			for number := index; number < o.streams; number += o.connections {
				if err := o.open(connection, index, deliveries); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	opening.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}

// open opens one subscription and leaves a reader on it. It returns when etcd has confirmed the
// watch; the journal tells by its metrics when it holds a subscription.
func (o fanoutOptions) open(
	connection *http2.ClientConn, node int, deliveries chan<- delivery,
) error {
	request, isConfirmed, err := o.request(node)
	if err != nil {
		return err
	}
	confirmed := make(chan error, 1)
	go func() {
		size, err := readUpdate(connection, request, isConfirmed, confirmed)
		deliveries <- delivery{at: time.Now(), size: size, err: err}
	}()
	if !isConfirmed {
		return nil
	}
	return <-confirmed
}

// readUpdate reads the first update, and whatever follows, so that no window fills.
func readUpdate(
	connection *http2.ClientConn, request *http.Request, isConfirmed bool, confirmed chan<- error,
) (int, error) {
	response, err := connection.RoundTrip(request)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %s", response.Status)
	}
	if err == nil && isConfirmed {
		_, err = readMessage(response.Body)
	}
	confirmed <- err
	if err != nil {
		return 0, err
	}
	size, err := readMessage(response.Body)
	if err != nil {
		return 0, fmt.Errorf("%w (%v)", err, grpcError(response))
	}
	go func() { _, _ = io.Copy(io.Discard, response.Body) }()
	return size, nil
}

// request is a subscription, or a watch, of which etcd says when it stands.
func (o fanoutOptions) request(node int) (*http.Request, bool, error) {
	if o.etcdKey == "" {
		message := appendString(nil, 1, fmt.Sprintf("%s%d", o.nodePrefix, node%max(len(o.nodes.certificates), 1)))
		message = appendString(message, 2, o.vcluster)
		message = appendVarint(message, 3, o.from)
		request, err := grpcRequest(
			o.nodes.address, "/pact.stream.BootConfigService/SubscribeConfigUpdates", message)
		return request, false, err
	}
	create := appendString(nil, 1, o.etcdKey)
	body, writer := io.Pipe()
	request, err := http.NewRequestWithContext(
		context.Background(), http.MethodPost,
		"https://"+o.nodes.address+"/etcdserverpb.Watch/Watch", body)
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("content-type", "application/grpc")
	request.Header.Set("te", "trailers")
	// The stream of requests stays open: its end would end the watch.
	go func() { _, _ = writer.Write(grpcFrame(appendBytes(nil, 1, create))) }()
	return request, true, nil
}

// readMessage reads one framed message and answers its size.
func readMessage(body io.Reader) (int, error) {
	var header [5]byte
	if _, err := io.ReadFull(body, header[:]); err != nil {
		return 0, err
	}
	size := int64(binary.BigEndian.Uint32(header[1:]))
	read, err := io.CopyN(io.Discard, body, size)
	return int(read), err
}
