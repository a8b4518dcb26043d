// Models draw their weights from torch's generator, which the whole process shares: a test that seeds it must have it alone.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
