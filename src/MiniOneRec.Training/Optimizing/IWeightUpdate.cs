using MiniOneRec.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Moves weights by their gradients, and keeps what the optimizer remembers.</summary>
/// <remarks>Where several processes train together, each may keep a part of it; every process must make the same calls.</remarks>
internal interface IWeightUpdate : IDisposable
{
    /// <summary>Takes one step with the gradients that the parameters hold; letting go of them is the caller's.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <param name="loss">The loss that the gradients are of, where it is known.</param>
    /// <returns>The norm before clipping, and whether the weights moved: they stay where loss or norm is not finite.</returns>
    UpdateOutcome Apply(double learningRate, double loss = 0);

    /// <summary>Takes over the gradients of a micro-batch where they are not kept with the parameters until <see cref="Apply"/>.</summary>
    void Collect();

    /// <summary>Takes part in a micro-batch that other processes have and this one has not.</summary>
    void Idle();

    /// <summary>Gets what is to be told of the blocks of a micro-batch, so that gradients leave while the backward pass goes on.</summary>
    /// <param name="isLast">Whether it is this process's last micro-batch before <see cref="Apply"/>.</param>
    /// <returns>The observer, or <see langword="null"/> where nothing can be done before the pass has ended.</returns>
    IBlockObserver? Observe(bool isLast);

    /// <summary>Begins to exchange the gradients that the observer was not told of, after the last micro-batch.</summary>
    void SendRest();

    /// <summary>Gets the weights that this process moves; all of them, or its share.</summary>
    IReadOnlyList<Parameter> Moved { get; }

    /// <summary>Says which parts of the parameters values are that lie as <see cref="Moved"/> does.</summary>
    /// <param name="names">The names of the parameters.</param>
    /// <param name="values">The values.</param>
    IReadOnlyList<StatePart> PartsOf(IReadOnlyList<string> names, IReadOnlyList<Tensor> values);

    /// <summary>Gets what this process keeps of the optimizer's state, under the names of a single process; the values alias the
    /// optimizer's own.</summary>
    IReadOnlyList<StatePart> State();

    /// <summary>Lets the parameters of all processes have the values of <see cref="Moved"/>, after these were overwritten.</summary>
    void Publish();

    /// <summary>Keeps parameters that are divided whole until the result is disposed; <see langword="null"/> where they are whole
    /// anyway.</summary>
    IDisposable? HoldWhole();

    /// <summary>Leaves parameters that are divided whole for good; no step follows.</summary>
    void GiveBack();

    /// <summary>Restores the number of steps after the state tensors were filled in.</summary>
    void RestoreSteps(long steps);

    /// <summary>Clears the gradients.</summary>
    void ZeroGrad();
}
