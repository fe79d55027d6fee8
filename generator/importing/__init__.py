"""SeldonDeployments and Istio policies that others wrote -> specs, with what a spec cannot say named, and proof."""
