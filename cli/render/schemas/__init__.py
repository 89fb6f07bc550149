"""What is the contract of a document? JSON Schemas, one a kind and major version."""
