package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

// s3Width is how many objects are read at once.
const s3Width = 64

// bucket is a store in a part of an S3 bucket.
type bucket struct {
	name   string
	region string
	blobs  *blob.Bucket
	around *Surroundings // nil for this process's own
}

// parameters are what an S3 store's URL may say, by name.
type parameters struct {
	region, endpoint, profile        string
	roleARN, externalID, sessionName string
	kmsKeyID                         string
	usePathStyle, encrypt            bool
}

func parseParameters(query url.Values) (p parameters, err error) {
	texts := map[string]*string{
		"region": &p.region, "endpoint": &p.endpoint, "profile": &p.profile, "role_arn": &p.roleARN,
		"external_id": &p.externalID, "session_name": &p.sessionName, "kms_key_id": &p.kmsKeyID,
	}
	flags := map[string]*bool{"use_path_style": &p.usePathStyle, "encrypt": &p.encrypt}
	for name, values := range query {
		if len(values) != 1 {
			return p, fmt.Errorf("the URL says %s twice", name)
		}
		switch {
		case texts[name] != nil:
			*texts[name] = values[0]
		case flags[name] != nil:
			if *flags[name], err = strconv.ParseBool(values[0]); err != nil {
				return p, fmt.Errorf("%s=%s: true or false is meant", name, values[0])
			}
		default:
			known := slices.Sorted(maps.Keys(texts))
			return p, fmt.Errorf("unknown parameter %q: the URL of an S3 store takes %s, use_path_style and encrypt", name, strings.Join(known, ", "))
		}
	}
	if p.endpoint != "" {
		u, err := url.Parse(p.endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return p, errors.New("endpoint is a URL without credentials, such as https://s3.example.com")
		}
	}
	return p, nil
}

func openBucket(ctx context.Context, u *url.URL, around *Surroundings) (*bucket, error) {
	if u.Host == "" || u.User != nil || u.Port() != "" || u.Fragment != "" {
		return nil, errors.New("write s3://bucket/prefix?region=REGION; credentials are never part of it")
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" && !validKey(prefix) {
		return nil, fmt.Errorf("the prefix %q may hold letters, digits and . _ - + @ only", prefix)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, err
	}
	p, err := parseParameters(query)
	if err != nil {
		return nil, err
	}
	cfg, err := p.config(ctx, around)
	if err != nil {
		return nil, err
	}
	if around != nil && p.endpoint == "" {
		p.endpoint = around.endpoint("S3")
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = p.usePathStyle
		if p.endpoint != "" {
			o.BaseEndpoint = &p.endpoint
		}
		if o.BaseEndpoint != nil {
			// Makers of other S3 servers lag behind with checksums.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	opts := &s3blob.Options{RequestChecksumCalculation: client.Options().RequestChecksumCalculation}
	switch {
	case p.kmsKeyID != "":
		opts.EncryptionType, opts.KMSEncryptionID = types.ServerSideEncryptionAwsKms, p.kmsKeyID
	case p.encrypt:
		opts.EncryptionType = types.ServerSideEncryptionAes256
	}
	blobs, err := s3blob.OpenBucket(ctx, client, u.Host, opts)
	if err != nil {
		return nil, err
	}
	if prefix != "" {
		blobs = blob.PrefixedBucket(blobs, prefix+"/")
	}
	return &bucket{name: u.Host, region: cfg.Region, blobs: blobs, around: around}, nil
}

// config finds region and credentials, and takes on the role that is named.
func (p *parameters) config(ctx context.Context, around *Surroundings) (cfg aws.Config, err error) {
	client := sts.NewFromConfig
	if around != nil {
		client = func(cfg aws.Config, _ ...func(*sts.Options)) *sts.Client { return around.sts(cfg) }
		cfg, err = around.load(ctx, *p)
	} else {
		cfg, err = p.load(ctx)
	}
	if err != nil {
		return cfg, err
	}
	if cfg.Region == "" {
		return cfg, errors.New("the bucket's region is not known: add ?region=REGION to the URL, or set AWS_REGION")
	}
	if p.roleARN != "" {
		provider := stscreds.NewAssumeRoleProvider(client(cfg), p.roleARN, func(o *stscreds.AssumeRoleOptions) {
			if p.externalID != "" {
				o.ExternalID = &p.externalID
			}
			if p.sessionName != "" {
				o.RoleSessionName = p.sessionName
			}
		})
		cfg.Credentials = aws.NewCredentialsCache(provider)
	}
	cfg.Credentials = &credentials{cfg.Credentials}
	return cfg, nil
}

// load finds region and credentials in the process's environment.
func (p *parameters) load(ctx context.Context) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = s3Width
	})
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(client), config.WithLogger(logging.Nop{})}
	if p.region != "" {
		load = append(load, config.WithRegion(p.region))
	}
	if p.profile != "" {
		load = append(load, config.WithSharedConfigProfile(p.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return cfg, fmt.Errorf("AWS configuration: %w", err)
	}
	return cfg, nil
}

// credentials tells failures to find any from all others.
type credentials struct{ aws.CredentialsProvider }

type credentialsError struct{ error }

func (e credentialsError) Unwrap() error { return e.error }

func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = credentialsError{err}
	}
	return found, err
}

func (b *bucket) put(ctx context.Context, key string, data []byte, exclusive bool) error {
	err := b.blobs.WriteAll(ctx, key, data, &blob.WriterOptions{ContentType: "application/octet-stream", IfNotExist: exclusive})
	return b.shorten(err)
}

func (b *bucket) get(ctx context.Context, key string) ([]byte, error) {
	data, err := b.blobs.ReadAll(ctx, key)
	return data, b.shorten(err)
}

func (b *bucket) remove(ctx context.Context, key string) error {
	return b.shorten(b.blobs.Delete(ctx, key))
}

func (b *bucket) list(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	for page := b.blobs.List(&blob.ListOptions{Prefix: prefix}); ; {
		object, err := page.Next(ctx)
		if err == io.EOF {
			slices.Sort(keys)
			return keys, nil
		}
		if err != nil {
			return nil, b.shorten(err)
		}
		if validKey(object.Key) {
			keys = append(keys, object.Key)
		}
	}
}

// failure is an error of S3 in short, with what fs calls it.
type failure struct {
	code string // S3's own word for it
	text string
	kind error // fs.ErrNotExist and its kin, or nil
	err  error
}

func (f *failure) Error() string   { return f.text }
func (f *failure) Unwrap() []error { return []error{f.kind, f.err} }

// ErrNoBucket says that the bucket of the store does not exist.
var ErrNoBucket = errors.New("the bucket does not exist")

// shorten says in a few words what failed: the SDK's own errors fill lines.
func (b *bucket) shorten(err error) error {
	if err == nil {
		return nil
	}
	f := &failure{err: err, text: err.Error()}
	var api smithy.APIError
	if errors.As(err, &api) {
		f.code = api.ErrorCode()
		f.text = fmt.Sprintf("S3 says %s: %s", f.code, api.ErrorMessage())
	}
	switch {
	case f.code == "NoSuchBucket":
		f.kind, f.text = ErrNoBucket, "the bucket "+b.name+" does not exist"
	case f.code == "ConditionalRequestConflict" || gcerrors.Code(err) == gcerrors.FailedPrecondition:
		f.kind, f.text = fs.ErrExist, fs.ErrExist.Error()
	case gcerrors.Code(err) == gcerrors.NotFound:
		f.kind, f.text = fs.ErrNotExist, fs.ErrNotExist.Error()
	case gcerrors.Code(err) == gcerrors.PermissionDenied:
		f.kind = fs.ErrPermission
	}
	return f
}

func (b *bucket) advice(err error) string {
	var f *failure
	if !errors.As(err, &f) {
		return ""
	}
	var none credentialsError
	var unreachable net.Error
	switch {
	case errors.Is(err, ErrNoBucket):
		return "create it, or name another with `store: {url: …}` in strata.yaml"
	case errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist):
		return ""
	case errors.As(err, &none):
		return "no AWS credentials that work: " + b.around.advised("set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the job a role") + " (keys written in a backend block are not used)"
	case errors.Is(err, fs.ErrPermission):
		return "these credentials need s3:ListBucket on the bucket " + b.name + ", and s3:GetObject, s3:PutObject and s3:DeleteObject below the store's prefix"
	}
	switch f.code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return "these AWS credentials are wrong or have expired: sign in again"
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "MovedPermanently":
		return "the bucket " + b.name + " seems to be in another region than " + b.region + ": say region= in the store's URL"
	}
	if errors.As(err, &unreachable) {
		return "it cannot be reached: check the network, the region and the endpoint"
	}
	return ""
}
