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

    /// <summary>Gets the state tensors that this process keeps, by name; they alias the optimizer's own.</summary>
    IEnumerable<(string Name, Tensor Value)> State();

    /// <summary>Gets the state tensors of all processes put together, under the names and in the shapes of a single process.</summary>
    /// <returns>Tensors of the caller's dispose scope, or the optimizer's own where it has all.</returns>
    IEnumerable<(string Name, Tensor Value)> Whole();

    /// <summary>Takes this process's part of a tensor of <see cref="Whole"/>; the optimizer's own need not be given.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="whole">Its values.</param>
    void Receive(string name, Tensor whole);

    /// <summary>Restores the number of steps after the state tensors were filled in.</summary>
    void RestoreSteps(long steps);

    /// <summary>Clears the gradients.</summary>
    void ZeroGrad();
}
