// Servers share the machine's cores and one folder of models.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
