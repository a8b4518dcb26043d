using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Whether a model keeps packed weights; one object, shared by all its layers.</summary>
internal sealed class WeightPacking
{
    private readonly List<PackedWeight> _weights = [];

    /// <summary>Gets or sets whether weights are packed.</summary>
    public bool Enabled { get; set; }

    /// <summary>Gets or sets in which form they are packed; a change drops the copies that there are.</summary>
    /// <exception cref="InvalidOperationException">The weights exist in the present form alone.</exception>
    public ServingWeights Form
    {
        get;
        set
        {
            if (value == field)
            {
                return;
            }

            if (IsOnly)
            {
                throw new InvalidOperationException($"The weights exist as {field} alone and cannot become {value}; load the model again.");
            }

            Drop();
            field = value;
        }
    }

    /// <summary>Gets whether the packed weights are all that is left.</summary>
    public bool IsOnly { get; private set; }

    /// <summary>Packs all weights now and frees what they were packed from, one after the other.</summary>
    /// <exception cref="InvalidOperationException">A weight does not fit the form.</exception>
    public void ReplaceWeights()
    {
        foreach (var weight in _weights)
        {
            weight.Replace();
        }

        IsOnly = true;
        NativeHeap.Trim();
    }

    /// <summary>Lists the matrices that a packed copy may replace, with the width of its rows.</summary>
    public Dictionary<Tensor, long> Matrices() => _weights.SelectMany(weight => weight.Matrices()).ToDictionary(
        pair => pair.Weight, pair => pair.Width, (IEqualityComparer<Tensor>)ReferenceEqualityComparer.Instance);

    /// <summary>Gives all packed weights their rounded values; what is stored whole is packed.</summary>
    /// <param name="read">Reads the matrix that stands for a parameter, with rows of a width.</param>
    public void TakeStored(Func<Tensor, long, SmallWeight> read)
    {
        foreach (var weight in _weights)
        {
            weight.TakeStored(read);
        }

        IsOnly = true;
        NativeHeap.Trim();
    }

    /// <summary>Makes a packed weight of matrices that read the same input, side by side.</summary>
    /// <param name="sources">Weights <c>[out, in]</c> with their biases; looked at each time, since <c>to()</c> replaces
    /// parameters.</param>
    /// <param name="blockRows">The most rows of a block, or 0 for one block.</param>
    /// <param name="takesPadded">Whether inputs may be <see cref="WeightBlock.Padded"/> wide.</param>
    /// <param name="free">Frees the weights once the copy has taken their place, or <see langword="null"/> where they are needed.</param>
    public PackedWeight Of(
        Func<(Tensor Weight, Tensor? Bias)[]> sources, long blockRows = 0, bool takesPadded = false, Action? free = null)
    {
        var weight = new PackedWeight(this, sources, blockRows, takesPadded, free);
        _weights.Add(weight);
        return weight;
    }

    /// <summary>Frees the packed copies, unless they are all that is left; they are made again when they are needed.</summary>
    public void Drop()
    {
        if (!IsOnly)
        {
            _weights.ForEach(weight => weight.Drop());
        }
    }
}
