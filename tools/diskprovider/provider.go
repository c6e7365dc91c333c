package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// delayVariable slows reading down where the code does not say delay_ms.
const delayVariable = "DISK_DELAY_MS"

type diskProvider struct{}

func (diskProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "disk", "0.1.0"
}

func (diskProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"folder": schema.StringAttribute{
			Required:    true,
			Description: "Where things are kept, one JSON file each.",
		},
		"delay_ms": schema.Int64Attribute{
			Optional:    true,
			Description: "How long reading a thing takes at least. The default is $" + delayVariable + ", or 0.",
		},
	}}
}

// client is what a resource is given to work with.
type client struct {
	storage
	delay time.Duration
}

func (diskProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config struct {
		Folder  types.String `tfsdk:"folder"`
		DelayMS types.Int64  `tfsdk:"delay_ms"`
	}
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.Folder.IsUnknown() || config.DelayMS.IsUnknown() {
		resp.Diagnostics.AddError("The settings are not known", "The provider disk needs its settings before it can read anything.")
		return
	}
	ms := config.DelayMS.ValueInt64()
	if text := os.Getenv(delayVariable); text != "" && config.DelayMS.IsNull() {
		var err error
		if ms, err = strconv.ParseInt(text, 10, 64); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("delay_ms"), delayVariable+" is no number", err.Error())
			return
		}
	}
	resp.ResourceData = client{storage(config.Folder.ValueString()), time.Duration(ms) * time.Millisecond}
}

func (diskProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &thingResource{} }}
}

func (diskProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }
