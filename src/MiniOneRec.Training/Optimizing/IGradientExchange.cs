using MiniOneRec.Tensors;
using TorchSharp.Modules;

namespace MiniOneRec.Training;

/// <summary>Combines gradients of several processes between the backward pass and the measurement of their norm.</summary>
/// <remarks>A single process has none. It is called once per update, on the thread that trains; every process must make the same
/// calls.</remarks>
public interface IGradientExchange
{
    /// <summary>Replaces the gradients that the parameters hold by those of all processes together.</summary>
    /// <param name="parameters">The trained parameters, in the same order in every process. Some may hold no gradient.</param>
    void Exchange(IReadOnlyList<Parameter> parameters);
}

/// <summary>An exchange that can begin while the backward pass goes on.</summary>
internal interface IEarlyExchange : IGradientExchange
{
    /// <summary>Gets what is to be told of the blocks of the last micro-batch before <see cref="IGradientExchange.Exchange"/>, or
    /// <see langword="null"/>.</summary>
    IBlockObserver? Observe();
}
