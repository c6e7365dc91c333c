resource "terraform_data" "nothing" {
  input = "no tool has a check for it"
}
