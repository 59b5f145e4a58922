// Command stream-load plays many nodes at once: it reads boot streams, or the same bytes from a web
// server, or holds subscriptions and notes when an update reaches each. It prints one JSON object.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	commands := map[string]func([]string) (any, error){
		"boot":   runBoot,
		"fanout": runFanout,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: stream-load boot|fanout [flags]")
		os.Exit(2)
	}
	result, err := commands[os.Args[1]](os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "stream-load:", err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		os.Exit(1)
	}
	// Connections stay open until standard input ends: their end would be more work for the server.
	_, _ = io.Copy(io.Discard, os.Stdin)
}
