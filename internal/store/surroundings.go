package store

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// Surroundings are what the AWS tools look at beside the store's URL, where that
// is not this process's own environment, files and network.
type Surroundings struct {
	// Getenv is a variable's value, "" where it is not set.
	Getenv func(name string) string
	// ReadFile reads a file that a variable names, or one in ~/.aws.
	ReadFile func(path string) ([]byte, error)
	// Host returns the name under which this process reaches a host; ok is false
	// where that is the host's own.
	Host func(ctx context.Context, host string) (name string, ok bool, err error)
	// Advice says how credentials are given.
	Advice string
}

// home is where the files of AWS are where no variable names them.
const home = "/root/.aws/"

func (s *Surroundings) first(names ...string) string {
	for _, name := range names {
		if value := s.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// endpoint is where a service of AWS is, "" for AWS's own.
func (s *Surroundings) endpoint(service string) string {
	if ignored, _ := strconv.ParseBool(s.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")); ignored {
		return ""
	}
	return s.first("AWS_ENDPOINT_URL_"+service, "AWS_ENDPOINT_URL")
}

// load finds region and credentials, as parameters.load does in the process's
// own environment.
func (s *Surroundings) load(ctx context.Context, p parameters) (cfg aws.Config, err error) {
	client, err := s.client()
	if err != nil {
		return cfg, err
	}
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(client), config.WithLogger(logging.Nop{})}
	region := p.region
	if region == "" {
		region = s.first("AWS_REGION", "AWS_DEFAULT_REGION")
	}
	if region != "" {
		load = append(load, config.WithRegion(region))
	}
	for name, option := range map[string]config.LoadOptionsFunc{
		"AWS_USE_FIPS_ENDPOINT":      config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled),
		"AWS_USE_DUALSTACK_ENDPOINT": config.WithUseDualStackEndpoint(aws.DualStackEndpointStateEnabled),
	} {
		if set, _ := strconv.ParseBool(s.Getenv(name)); set {
			load = append(load, option)
		}
	}
	keys := aws.Credentials{
		AccessKeyID: s.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: s.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: s.Getenv("AWS_SESSION_TOKEN"),
	}
	profile := p.profile
	web := webIdentity{s, s.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")}
	switch {
	case profile != "":
	case keys.HasKeys():
		load = append(load, config.WithCredentialsProvider(awscredentials.StaticCredentialsProvider{Value: keys}))
	case web.file != "":
		load = append(load, config.WithCredentialsProvider(aws.AnonymousCredentials{})) // until there are others
	default:
		profile = s.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
	}
	if !keys.HasKeys() || profile != "" {
		files, remove, unread := s.profiles(profile)
		if unread != nil {
			return cfg, unread
		}
		defer func() { err = errors.Join(err, remove()) }()
		load = append(load, files...)
	}
	if cfg, err = config.LoadDefaultConfig(ctx, load...); err != nil {
		return cfg, fmt.Errorf("AWS configuration: %w", err)
	}
	if profile == "" && !keys.HasKeys() && web.file != "" {
		role := s.Getenv("AWS_ROLE_ARN")
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(s.sts(cfg), role, web, func(o *stscreds.WebIdentityRoleOptions) {
			o.RoleSessionName = s.Getenv("AWS_ROLE_SESSION_NAME")
		}))
	}
	return cfg, nil
}

// profiles are the options for the files that describe profiles, which are
// there as long as they are read.
func (s *Surroundings) profiles(profile string) (load []func(*config.LoadOptions) error, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "strata-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	found := 0
	file := func(variable, name string) (paths []string) {
		path := s.Getenv(variable)
		if path == "" {
			path = home + name
		}
		text, readErr := s.ReadFile(path)
		if errors.Is(readErr, fs.ErrNotExist) {
			return []string{}
		}
		found++
		local := filepath.Join(dir, name)
		err = errors.Join(err, readErr, os.WriteFile(local, text, 0o600))
		return []string{local}
	}
	load = append(load, config.WithSharedConfigFiles(file("AWS_CONFIG_FILE", "config")), config.WithSharedCredentialsFiles(file("AWS_SHARED_CREDENTIALS_FILE", "credentials")))
	switch {
	case err != nil:
	case profile != "" && found == 0:
		err = fmt.Errorf("the AWS profile %s is in no file that is given: %s", profile, s.Advice)
	case profile != "":
		load = append(load, config.WithSharedConfigProfile(profile))
	}
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return load, remove, nil
}

// client connects to hosts where this process reaches them, without a proxy to
// those that have another name here.
func (s *Surroundings) client() (*awshttp.BuildableClient, error) {
	var roots *x509.CertPool
	if name := s.Getenv("AWS_CA_BUNDLE"); name != "" {
		text, err := s.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("AWS_CA_BUNDLE: %s holds no certificate", name)
		}
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = s3Width
		if roots != nil {
			t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		}
		dial, proxy := t.DialContext, t.Proxy
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			name, ok, err := s.Host(ctx, host)
			if err != nil {
				return nil, err
			}
			if ok {
				address = net.JoinHostPort(name, port)
			}
			return dial(ctx, network, address)
		}
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			if _, ok, err := s.Host(r.Context(), r.URL.Hostname()); ok || err != nil || proxy == nil {
				return nil, err
			}
			return proxy(r)
		}
	}), nil
}

func (s *Surroundings) sts(cfg aws.Config) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		if at := s.endpoint("STS"); at != "" {
			o.BaseEndpoint = &at
		}
	})
}

// webIdentity reads a token each time it is needed.
type webIdentity struct {
	surroundings *Surroundings
	file         string
}

func (w webIdentity) GetIdentityToken() ([]byte, error) {
	token, err := w.surroundings.ReadFile(w.file)
	if err != nil {
		// Not wrapped: that this file is not there says nothing of one in the store.
		return nil, fmt.Errorf("AWS_WEB_IDENTITY_TOKEN_FILE: %v", err)
	}
	return bytes.TrimSpace(token), nil
}

// advised is what to do where no credentials work.
func (s *Surroundings) advised(otherwise string) string {
	if s == nil || strings.TrimSpace(s.Advice) == "" {
		return otherwise
	}
	return s.Advice
}
