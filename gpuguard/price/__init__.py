"""Usage → cost: the catalog and the engine that prices what a resource uses."""
