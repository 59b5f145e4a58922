package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// client sends one write and waits for its answer.
type client interface {
	write(number uint64) error
}

// opener connects the client of a number to an endpoint.
type opener func(number int, endpoint string) (client, error)

// plan is a closed loop: each client sends its next write when it has the answer to the last one.
type plan struct {
	endpoints     []string
	clients       int
	perConnection int
	valueBytes    int
	warmUp        time.Duration
	duration      time.Duration
}

type result struct {
	Requests   int     `json:"requests"`
	All        uint64  `json:"all_requests"`
	Errors     int     `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"per_second"`
	P50Ms      float64 `json:"p50_ms"`
	P90Ms      float64 `json:"p90_ms"`
	P99Ms      float64 `json:"p99_ms"`
	MaxMs      float64 `json:"max_ms"`
}

// measure counts what begins after the warm-up and is answered before the end.
func (plan *plan) measure(open opener) (*result, error) {
	clients := make([]client, plan.clients)
	for number := range clients {
		// Neighbours of a number share a connection, so endpoints change with connections.
		endpoint := plan.endpoints[number/plan.sharing()%len(plan.endpoints)]
		opened, err := open(number, endpoint)
		if err != nil {
			return nil, err
		}
		clients[number] = opened
	}
	var next atomic.Uint64
	var failed sync.Map
	var errors atomic.Int64
	latencies := make([][]time.Duration, plan.clients)
	began := time.Now()
	from, until := began.Add(plan.warmUp), began.Add(plan.warmUp+plan.duration)
	var group sync.WaitGroup
	for number, client := range clients {
		group.Go(func() {
			for {
				sent := time.Now()
				if sent.After(until) {
					return
				}
				err := client.write(next.Add(1))
				answered := time.Now()
				if err != nil {
					errors.Add(1)
					failed.LoadOrStore("first", err.Error())
					return
				}
				if sent.After(from) && answered.Before(until) {
					latencies[number] = append(latencies[number], answered.Sub(sent))
				}
			}
		})
	}
	group.Wait()
	all := slices.Concat(latencies...)
	slices.Sort(all)
	first, _ := failed.Load("first")
	text, _ := first.(string)
	return &result{
		Requests:   len(all) + int(errors.Load()),
		All:        next.Load(),
		Errors:     int(errors.Load()),
		FirstError: text,
		Seconds:    plan.duration.Seconds(),
		PerSecond:  float64(len(all)) / plan.duration.Seconds(),
		P50Ms:      percentile(all, 50),
		P90Ms:      percentile(all, 90),
		P99Ms:      percentile(all, 99),
		MaxMs:      percentile(all, 100),
	}, nil
}

// sharing is how many clients in a row go to one endpoint, so that all endpoints get their share.
func (plan *plan) sharing() int {
	perEndpoint := (plan.clients + len(plan.endpoints) - 1) / len(plan.endpoints)
	return max(1, min(plan.perConnection, perEndpoint))
}

func percentile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	index := min(len(sorted)*percent/100, len(sorted)-1)
	return float64(sorted[index].Microseconds()) / 1000
}
