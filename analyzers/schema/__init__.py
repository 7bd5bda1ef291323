"""Objects against the schemas and rules of their CustomResourceDefinitions, as the API server checks them."""
