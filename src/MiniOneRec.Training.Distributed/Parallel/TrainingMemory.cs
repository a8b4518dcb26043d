namespace MiniOneRec.Training.Distributed;

/// <summary>What a process holds while it trains in bfloat16 with AdamW.</summary>
internal static class TrainingMemory
{
    /// <summary>Estimates the bytes that a process holds per parameter: 2 of the weights, 2 of the gradients, and 12 of the float32 weights
    /// and the two moments.</summary>
    /// <remarks>Rajbhandari et al. (arXiv:1910.02054), section 5. A layer that is gathered, buffers of an exchange, activations and the
    /// runtime come on top.</remarks>
    /// <param name="sharding">What is divided.</param>
    /// <param name="ranks">The number of processes.</param>
    public static double BytesPerParameter(Sharding sharding, int ranks) => sharding switch
    {
        Sharding.OptimizerState => 4 + 12.0 / ranks,
        Sharding.Gradients => 2 + 14.0 / ranks,
        Sharding.Weights => 16.0 / ranks,
        _ => 16,
    };
}
