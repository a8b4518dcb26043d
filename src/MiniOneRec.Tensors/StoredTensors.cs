using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>The tensors of a file by key, with errors that name file and key.</summary>
internal sealed class StoredTensors(string path, Dictionary<string, Tensor> tensors) : IDisposable
{
    /// <summary>Reads all tensors of a file.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static StoredTensors Load(string path) => new(path, SafetensorsFile.Load(path));

    /// <summary>Gets all tensors by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> All => tensors.Select(pair => (pair.Key, pair.Value));

    /// <summary>Gets whether a key is there.</summary>
    public bool Has(string key) => tensors.ContainsKey(key);

    /// <summary>Gets a tensor of a given shape; −1 stands for any size.</summary>
    /// <exception cref="InvalidDataException">The tensor is missing, has another shape, or holds a number that is not finite.</exception>
    public Tensor Get(string key, params ReadOnlySpan<long> shape)
    {
        if (!tensors.TryGetValue(key, out var tensor))
        {
            throw new InvalidDataException($"File '{path}' lacks the tensor '{key}'.");
        }

        long[] actual = tensor.shape;
        bool fits = actual.Length == shape.Length;
        for (int i = 0; fits && i < shape.Length; i++)
        {
            fits = shape[i] == -1 || shape[i] == actual[i];
        }

        if (!fits)
        {
            throw new InvalidDataException(
                $"File '{path}', key '{key}': shape [{string.Join(", ", actual)}]; expected [{string.Join(", ", shape.ToArray())}].");
        }

        return FiniteWeights.Holds(tensor) ? tensor
            : throw new InvalidDataException($"File '{path}', key '{key}' holds a number that is not finite.");
    }

    /// <summary>Checks that there is a tensor of each name, with the shape and kind of type of its target.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, has another shape or kind of type, or holds a number that is not
    /// finite.</exception>
    public void Check(IEnumerable<(string Name, Tensor Value)> targets)
    {
        foreach (var (name, value) in targets)
        {
            var stored = Get(name, value.shape);
            if (stored.is_floating_point() != value.is_floating_point())
            {
                throw new InvalidDataException($"File '{path}', key '{name}' has elements of type {stored.dtype}; expected {value.dtype}.");
            }
        }
    }

    /// <summary>Copies tensors into parameters and buffers of the same names; where one does not fit, nothing is copied.</summary>
    /// <inheritdoc cref="Check" path="/exception"/>
    public void CopyInto(IReadOnlyList<(string Name, Tensor Value)> targets)
    {
        Check(targets);
        using var _ = no_grad();
        foreach (var (name, value) in targets)
        {
            value.copy_(tensors[name]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }
    }
}
