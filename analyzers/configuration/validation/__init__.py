"""What istiod's own validation says of its objects, one kind a module.

Source: istio/istio `pkg/config/validation` (the rules of the validation webhook and of `istioctl validate`). Each
module yields problems with the place they are at. What istiod reports once for an object is one problem here as well.
"""
