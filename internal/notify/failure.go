package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// failure is why a try did not succeed.
type failure struct {
	said   string        // what happened, without anything secret
	advice string        // what to do next
	again  bool          // another try may succeed
	after  time.Duration // what the server asks to wait before it, 0 for nothing
}

func (f *failure) error(t Target, n int) error {
	times := ""
	if n > 1 {
		times = fmt.Sprintf(" (tried %d times)", n)
	}
	return fmt.Errorf("the message to %s was not sent: %s%s: %s", name(t.Kind), f.said, times, f.advice)
}

// unreachable says why there is no answer. Errors of the network name the URL
// or its host, so that none is repeated as it is.
func unreachable(t Target, err error, timeout time.Duration) *failure {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var lookup *net.DNSError
	var wait net.Error
	var invalid *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return &failure{
			said:   "the name in its URL cannot be resolved",
			advice: "check the secret that holds the URL, and that this machine may resolve names outside its network",
		}
	case errors.As(err, &lookup):
		return &failure{
			said:   "the name in its URL could not be looked up",
			advice: "check this machine's DNS",
			again:  true,
		}
	case errors.As(err, &invalid):
		return &failure{said: "TLS: " + certificate(t, invalid.Err), advice: "if a proxy of your own inspects TLS, " +
			"add its certificate to those this machine trusts (SSL_CERT_FILE); otherwise its owner renews the server's"}
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return &failure{said: "TLS: what answers does not speak it", advice: "check the URL's port, and HTTPS_PROXY"}
	case errors.As(err, &op) && op.Op == "remote error":
		return &failure{
			said:   "the server refused: " + scrub(t, op.Err.Error()),
			advice: "check that it takes TLS 1.2 or later, without a client certificate",
		}
	case strings.Contains(err.Error(), "invalid proxy address"): // and repeats it, password included
		return &failure{said: "the proxy in the environment has no valid URL", advice: "put HTTPS_PROXY right"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &wait) && wait.Timeout():
		return &failure{
			said:   fmt.Sprintf("no answer within %s", timeout),
			advice: "the message may have arrived nevertheless; check that this machine may reach the server (a firewall, HTTPS_PROXY)",
			again:  true,
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &failure{
			said:   "the connection was refused",
			advice: "check that the server runs and that this machine may reach it (a firewall, HTTPS_PROXY)",
			again:  true,
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &failure{
			said:   "the connection was dropped",
			advice: "the message may have arrived nevertheless; look at the server's log, and at any proxy between",
			again:  true,
		}
	}
	return &failure{
		said:   "no connection: " + scrub(t, err.Error()),
		advice: "check that this machine may reach the server (a firewall, HTTPS_PROXY)",
		again:  true,
	}
}

// certificate says what is wrong with a server's certificate.
func certificate(t Target, err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return "the server's certificate is of an authority that this machine does not know"
	case errors.As(err, &host):
		return "the server's certificate is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired, or this machine's clock is wrong"
	}
	return scrub(t, strings.TrimPrefix(err.Error(), "x509: "))
}
