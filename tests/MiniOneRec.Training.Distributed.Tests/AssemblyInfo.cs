[assembly: CollectionBehavior(DisableTestParallelization = true)]      // mpirun takes all cores
