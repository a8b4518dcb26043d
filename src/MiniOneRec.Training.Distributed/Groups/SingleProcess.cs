using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>A group of one process; its operations have nothing to exchange.</summary>
public sealed class SingleProcess : IProcessGroup
{
    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public int LocalRank => 0;

    /// <inheritdoc/>
    public TimeSpan Deadline => TimeSpan.MaxValue;

    /// <inheritdoc/>
    public ICollective AllReduce(Tensor tensor)
    {
        TensorChecks.Summable(tensor);
        return Completed.Instance;
    }

    /// <inheritdoc/>
    public ICollective ReduceScatter(Tensor input, Tensor output)
    {
        TensorChecks.Summable(input);
        TensorChecks.Parts(output, input, 1);
        return Copy(input, output);
    }

    /// <inheritdoc/>
    public ICollective AllGather(Tensor input, Tensor output)
    {
        TensorChecks.Parts(input, output, 1);
        return Copy(input, output);
    }

    /// <inheritdoc/>
    public ICollective Broadcast(Tensor tensor, int root)
    {
        TensorChecks.Root(root, 1);
        TensorChecks.Contiguous(tensor);
        return Completed.Instance;
    }

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public void Abandon(string reason)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static Completed Copy(Tensor input, Tensor output)
    {
        using var noGrad = no_grad();
        using var flat = output.view(-1);
        using var values = input.view(-1);
        flat.copy_(values).Dispose();
        return Completed.Instance;
    }

    private sealed class Completed : ICollective
    {
        public static readonly Completed Instance = new();

        public void Wait()
        {
        }
    }
}
