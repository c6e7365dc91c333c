//go:build aliases

// Package dagger is generated where an engine is (`make bindings`). Behind the
// build tag "aliases" the same names stand for the published library's, so that
// the module compiles, vets and is tested on any machine.
package dagger

import "dagger.io/dagger"

type (
	Client    = dagger.Client
	Container = dagger.Container
	Directory = dagger.Directory
	ExecError = dagger.ExecError
	File      = dagger.File
	Secret    = dagger.Secret
	Service   = dagger.Service
	Workspace = dagger.Workspace

	ContainerAsServiceOpts        = dagger.ContainerAsServiceOpts
	ContainerWithDirectoryOpts    = dagger.ContainerWithDirectoryOpts
	ContainerWithExecOpts         = dagger.ContainerWithExecOpts
	ContainerWithMountedCacheOpts = dagger.ContainerWithMountedCacheOpts
	ContainerWithNewFileOpts      = dagger.ContainerWithNewFileOpts
	DirectoryFilterOpts           = dagger.DirectoryFilterOpts
	ServiceStopOpts               = dagger.ServiceStopOpts
	WorkspaceDirectoryOpts        = dagger.WorkspaceDirectoryOpts
)

const (
	CacheSharingModeLocked = dagger.CacheSharingModeLocked
	ReturnTypeAny          = dagger.ReturnTypeAny
)
