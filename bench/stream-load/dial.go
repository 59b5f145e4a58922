package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/http2"
)

// nodes is how nodes reach the server: its address, whom they trust, and one certificate each.
type nodes struct {
	address      string
	roots        *x509.CertPool
	certificates []tls.Certificate
	transport    *http2.Transport
}

// loadNodes reads the CA and the certificates 0.crt, 0.key and so on of a directory.
func loadNodes(address, caFile, directory string, count int) (*nodes, error) {
	caPEM, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(caPEM) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	loaded := &nodes{address: address, roots: roots, transport: &http2.Transport{
		DisableCompression: true,
		ReadIdleTimeout:    0,
		MaxReadFrameSize:   1 << 20,
	}}
	for index := range count {
		path := fmt.Sprintf("%s/%d", directory, index)
		certificate, err := tls.LoadX509KeyPair(path+".crt", path+".key")
		if err != nil {
			return nil, err
		}
		loaded.certificates = append(loaded.certificates, certificate)
	}
	return loaded, nil
}

// certificateOf is the certificate of the node with this number; the numbers go round.
func (n *nodes) certificateOf(number int) []tls.Certificate {
	if len(n.certificates) == 0 {
		return nil
	}
	at := number % len(n.certificates)
	return n.certificates[at : at+1]
}

// connect opens a connection of its own, with a full handshake: a node that boots has no session yet.
func (n *nodes) connect(number int) (*http2.ClientConn, error) {
	raw, err := net.DialTimeout("tcp", n.address, 30*time.Second)
	if err != nil {
		return nil, err
	}
	connection := tls.Client(raw, &tls.Config{
		RootCAs:      n.roots,
		Certificates: n.certificateOf(number),
		ServerName:   "127.0.0.1",
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{"h2"},
		// What both servers offer; without the choice the larger hybrid key share is sent first.
		CurvePreferences:       []tls.CurveID{tls.X25519},
		SessionTicketsDisabled: true,
	})
	_ = connection.SetDeadline(time.Now().Add(60 * time.Second))
	if err := connection.Handshake(); err != nil {
		raw.Close()
		return nil, err
	}
	_ = connection.SetDeadline(time.Time{})
	return n.transport.NewClientConn(connection)
}
