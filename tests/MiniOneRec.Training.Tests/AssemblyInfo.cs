[assembly: CollectionBehavior(DisableTestParallelization = true)]      // torch's generator and thread count belong to the process
