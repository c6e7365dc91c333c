package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// thingResource is disk_thing.
type thingResource struct{ client }

var _ interface {
	resource.ResourceWithConfigure
	resource.ResourceWithModifyPlan
} = (*thingResource)(nil)

type thingModel struct {
	Name    types.String `tfsdk:"name"`
	Value   types.String `tfsdk:"value"`
	Secret  types.String `tfsdk:"secret"`
	Tags    types.Map    `tfsdk:"tags"`
	Ports   types.List   `tfsdk:"ports"`
	Owner   types.String `tfsdk:"owner"`
	Version types.Int64  `tfsdk:"version"`
	ETag    types.String `tfsdk:"etag"`
}

func (*thingResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "disk_thing"
}

func (*thingResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Required:      true,
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"value":  schema.StringAttribute{Required: true},
		"secret": schema.StringAttribute{Optional: true, Sensitive: true},
		// Computed, so that reading may say {} where the code says nothing.
		"tags":  schema.MapAttribute{Optional: true, Computed: true, ElementType: types.StringType},
		"ports": schema.ListAttribute{Optional: true, ElementType: types.NumberType},
		"owner": schema.StringAttribute{
			Optional: true, Computed: true,
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
		"version": schema.Int64Attribute{Computed: true},
		"etag":    schema.StringAttribute{Computed: true},
	}}
}

func (r *thingResource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	if c, ok := req.ProviderData.(client); ok {
		r.client = c
	}
}

// ModifyPlan plans tags that the code does not say. Right after an apply they
// are null, and read back they are {}: the same to this provider, and a
// difference to Terraform, as many a provider makes one.
func (*thingResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var config, plan thingModel
	state := thingModel{Tags: types.MapNull(types.StringType)}
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() || !config.Tags.IsNull() {
		return
	}
	plan.Tags = state.Tags
	if len(state.Tags.Elements()) > 0 {
		plan.Tags = types.MapNull(types.StringType)
		plan.Version, plan.ETag = types.Int64Unknown(), types.StringUnknown()
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

func (r *thingResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	put(ctx, req.Plan, &resp.State, &resp.Diagnostics, "made", r.create)
}

func (r *thingResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	put(ctx, req.Plan, &resp.State, &resp.Diagnostics, "changed", r.update)
}

// put writes a thing as it is planned, and sets the state to what was written.
func put(ctx context.Context, plan tfsdk.Plan, state *tfsdk.State, diags *diag.Diagnostics, done string, write func(thing) (thing, error)) {
	var model thingModel
	diags.Append(plan.Get(ctx, &model)...)
	diags.Append(model.store(ctx, done, write)...)
	if !diags.HasError() {
		diags.Append(state.Set(ctx, model)...)
	}
}

func (r *thingResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var model thingModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	select {
	case <-time.After(r.delay):
	case <-ctx.Done():
		fail(&resp.Diagnostics, model.Name.ValueString(), "read", context.Cause(ctx))
		return
	}
	t, err := r.read(model.Name.ValueString())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		resp.State.RemoveResource(ctx)
	case err != nil:
		fail(&resp.Diagnostics, model.Name.ValueString(), "read", err)
	default:
		model, diags := modelOf(ctx, t)
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

func (r *thingResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var model thingModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := r.remove(model.Name.ValueString()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		fail(&resp.Diagnostics, model.Name.ValueString(), "removed", err)
	}
}

func fail(diags *diag.Diagnostics, name, done string, err error) {
	diags.AddError(fmt.Sprintf("The thing %q cannot be %s", name, done), err.Error())
}

// store gives a model's thing to the storage, and fills in what that adds.
func (m *thingModel) store(ctx context.Context, done string, write func(thing) (thing, error)) (diags diag.Diagnostics) {
	t := thing{
		Name: m.Name.ValueString(), Value: m.Value.ValueString(),
		Secret: m.Secret.ValueStringPointer(), Owner: m.Owner.ValueString(),
	}
	diags.Append(m.Tags.ElementsAs(ctx, &t.Tags, false)...)
	var ports []*big.Float
	diags.Append(m.Ports.ElementsAs(ctx, &ports, false)...)
	if diags.HasError() {
		return diags
	}
	if !m.Ports.IsNull() {
		t.Ports = make([]json.Number, len(ports))
	}
	for i, port := range ports {
		t.Ports[i] = json.Number(port.Text('f', -1))
	}
	t, err := write(t)
	if err != nil {
		fail(&diags, m.Name.ValueString(), done, err)
	}
	m.Owner, m.Version, m.ETag = types.StringValue(t.Owner), types.Int64Value(t.Version), types.StringValue(t.etag)
	return diags
}

// modelOf is a thing as Terraform reads it: without tags it has {}.
func modelOf(ctx context.Context, t thing) (thingModel, diag.Diagnostics) {
	m := thingModel{
		Name: types.StringValue(t.Name), Value: types.StringValue(t.Value), Secret: types.StringPointerValue(t.Secret),
		Ports: types.ListNull(types.NumberType),
		Owner: types.StringValue(t.Owner), Version: types.Int64Value(t.Version), ETag: types.StringValue(t.etag),
	}
	if t.Tags == nil {
		t.Tags = map[string]string{}
	}
	var diags, more diag.Diagnostics
	m.Tags, diags = types.MapValueFrom(ctx, types.StringType, t.Tags)
	if t.Ports != nil {
		ports := make([]*big.Float, len(t.Ports))
		for i, text := range t.Ports {
			var err error
			if ports[i], _, err = big.ParseFloat(text.String(), 10, 512, big.ToNearestEven); err != nil {
				diags.AddError(fmt.Sprintf("ports[%d] is no number", i), err.Error())
			}
		}
		m.Ports, more = types.ListValueFrom(ctx, types.NumberType, ports)
		diags.Append(more...)
	}
	return m, diags
}
