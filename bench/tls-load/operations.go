package main

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
)

// preface begins an HTTP/2 connection: the magic and an empty SETTINGS frame.
var preface = []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")

// handshake connects, waits for the server's first frame, and closes. A TLS 1.3 client is done
// before the server has looked at its certificate: only the frame shows that it was accepted.
func handshake(endpoint string, config *tls.Config) error {
	raw, err := net.Dial("tcp", endpoint)
	if err != nil {
		return err
	}
	defer raw.Close()
	// No port is kept waiting for packets that may still come: there are not enough for that.
	if err := raw.(*net.TCPConn).SetLinger(0); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(endpoint)
	config = config.Clone()
	config.ServerName = host
	connection := tls.Client(raw, config)
	if _, err := connection.Write(preface); err != nil {
		return err
	}
	frame := make([]byte, 9)
	if _, err := io.ReadFull(connection, frame); err != nil {
		return fmt.Errorf("no SETTINGS after the handshake: %w", err)
	}
	if frame[3] != 4 {
		return fmt.Errorf("frame of type %d where SETTINGS were due", frame[3])
	}
	return nil
}

// caller makes unary gRPC calls.
type caller struct {
	client *http.Client
	url    string
	token  string
	frame  []byte
}

func newCaller(endpoint, path, token, message string) (*caller, error) {
	body, err := base64.StdEncoding.DecodeString(message)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, 5, 5+len(body))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(body)))
	return &caller{url: "https://" + endpoint + path, token: token, frame: append(frame, body...)}, nil
}

// onNewConnection is the same caller over a connection of its own.
func (c *caller) onNewConnection(config *tls.Config) *caller {
	other := *c
	other.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig:    config.Clone(),
		ForceAttemptHTTP2:  true,
		DisableCompression: true,
		MaxConnsPerHost:    1,
	}}
	return &other
}

func (c *caller) call() error {
	request, err := http.NewRequest("POST", c.url, bytes.NewReader(c.frame))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status")
	}
	if status != "0" {
		message := response.Trailer.Get("Grpc-Message") + response.Header.Get("Grpc-Message")
		return fmt.Errorf("grpc-status %q: %s (HTTP %d)", status, message, response.StatusCode)
	}
	return nil
}
