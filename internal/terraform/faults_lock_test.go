package terraform

import "testing"

// A lock in S3 that is let go of while Terraform asks who holds it (recorded
// with Terraform 1.11): to be tried again, unlike one that stays held.
func TestLockSlipped(t *testing.T) {
	const slipped = "Error acquiring the state lock\nError message: operation error S3: PutObject, https response error StatusCode: 412, RequestID: x, HostID: y, " +
		"api error PreconditionFailed: At least one of the pre-conditions you specified did not hold\nunable to retrieve file from S3 bucket 'b' with key 'k.tflock': " +
		"operation error S3: GetObject, https response error StatusCode: 404, RequestID: x, HostID: y, NoSuchKey: \n\nTerraform acquires a state lock"
	const held = "Error acquiring the state lock\nError message: operation error S3: PutObject, https response error StatusCode: 412, " +
		"api error PreconditionFailed: At least one of the pre-conditions you specified did not hold\nLock Info:\n  ID:        1-2"
	if !LockSlipped(slipped) || !Transient(slipped) {
		t.Error("a lock that was let go of is no reason to try again")
	}
	if LockSlipped(held) || Transient(held) {
		t.Error("a lock that is held is tried again")
	}
}
