// Commands change the allocator's settings and torch's generator, which the process has once.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
