using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Processes that train one model together, and what they exchange tensors by.</summary>
/// <remarks>
/// Every process must start the same operations in the same order. An operation runs in the background until <see cref="ICollective.Wait"/>
/// returns; its tensors belong to it until then. Sums are taken in the order of the ranks, bfloat16 in float32, so that a sum is the same
/// to the last bit on every rank and in every run. Members may be called from one thread at a time.
/// </remarks>
public interface IProcessGroup : IDisposable
{
    /// <summary>Gets the number of this process, from 0.</summary>
    int Rank { get; }

    /// <summary>Gets the number of processes.</summary>
    int Size { get; }

    /// <summary>Gets the number of this process among those of its machine, from 0; it chooses the GPU.</summary>
    int LocalRank { get; }

    /// <summary>Gets how long an operation may take, the wait for slower processes included.</summary>
    TimeSpan Deadline { get; }

    /// <summary>Replaces a tensor by the sum of those of all processes.</summary>
    /// <param name="tensor">Float32 or bfloat16, of any shape and contiguous; of the same size everywhere.</param>
    /// <exception cref="ArgumentException">The tensor has another type or is not contiguous.</exception>
    /// <exception cref="ProcessGroupException">Another process has ended, or the deadline has passed.</exception>
    ICollective AllReduce(Tensor tensor);

    /// <summary>Sums tensors of all processes and leaves each process its part of the sum.</summary>
    /// <param name="input">The summands, <c>[size · n]</c>, float32 or bfloat16, contiguous.</param>
    /// <param name="output">Receives part number <see cref="Rank"/>, <c>[n]</c>, of the same type.</param>
    /// <inheritdoc cref="AllReduce" path="/exception"/>
    ICollective ReduceScatter(Tensor input, Tensor output);

    /// <summary>Puts the tensors of all processes side by side.</summary>
    /// <param name="input">The tensor of this process, <c>[n]</c>, contiguous; n is the same everywhere.</param>
    /// <param name="output">Receives all of them in the order of the ranks, <c>[size · n]</c>, of the same type.</param>
    /// <inheritdoc cref="AllReduce" path="/exception"/>
    ICollective AllGather(Tensor input, Tensor output);

    /// <summary>Copies a tensor of one process to all others.</summary>
    /// <param name="tensor">The tensor, contiguous; of the same size and type everywhere.</param>
    /// <param name="root">The rank of the process that has the values.</param>
    /// <inheritdoc cref="AllReduce" path="/exception"/>
    ICollective Broadcast(Tensor tensor, int root);

    /// <summary>Waits until every process has come here.</summary>
    /// <exception cref="ProcessGroupException">Another process has ended, or the deadline has passed.</exception>
    void Barrier();

    /// <summary>Gives the group up after an error that the other processes do not share.</summary>
    /// <remarks>Later operations throw, and <see cref="IDisposable.Dispose"/> does not wait for the others, which learn of it when this
    /// process ends.</remarks>
    /// <param name="reason">Why, for the message of later operations.</param>
    void Abandon(string reason);
}

/// <summary>An operation of a process group that may still run.</summary>
public interface ICollective
{
    /// <summary>Waits until the operation is done and its results are in place.</summary>
    /// <exception cref="ProcessGroupException">Another process has ended, or the deadline has passed.</exception>
    void Wait();
}
