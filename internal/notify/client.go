package notify

import (
	"net"
	"net/http"
	"time"
)

func (s Sender) client() *http.Client {
	if s.Client == nil {
		return &http.Client{CheckRedirect: sameHost, Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // nothing is left open, and nothing is sent on what the server has closed
			MaxResponseHeaderBytes: 64 << 10,
		}}
	}
	client := *s.Client
	if client.CheckRedirect == nil {
		client.CheckRedirect = sameHost
	}
	return &client
}

// sameHost follows a redirect that leaves host and transport as they are and
// sends the message again. Another host would get what is meant for this one;
// a redirect that makes a GET of it would look like success.
func sameHost(r *http.Request, via []*http.Request) error {
	first := via[0]
	if r.URL.Host != first.URL.Host || r.URL.Scheme != first.URL.Scheme || r.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}
