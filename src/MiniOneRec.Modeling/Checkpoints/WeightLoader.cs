using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Puts stored tensors in the place of parameters that were made without memory.</summary>
internal static class WeightLoader
{
    /// <summary>Makes a module and gives it its weights.</summary>
    /// <param name="make">Makes the module; its parameters get no memory.</param>
    /// <param name="source">The stored tensors.</param>
    /// <param name="device">Where the weights go; on the CPU, weights of the right type stay on the mapped file.</param>
    /// <param name="type">The type of the weights.</param>
    /// <param name="checkFinite">Whether infinities and NaN are refused.</param>
    /// <exception cref="InvalidDataException">A key is missing, has another shape or type, is not finite, or does not belong; the message
    /// names it.</exception>
    public static T Load<T>(Func<T> make, IWeightSource source, Device device, ScalarType type, bool checkFinite = true)
        where T : nn.Module
    {
        using var noGrad = no_grad();
        T module;
        using (Weights.WithoutMemory(type))
        {
            module = make();
        }

        // What the constructor makes lives as long as the module, so the scope begins after it.
        using var scope = NewDisposeScope();
        var unused = new HashSet<string>(source.Keys, StringComparer.Ordinal);
        try
        {
            foreach (var (name, parameter) in module.named_parameters())
            {
                if (source.SmallKeysOf(name) is { Length: > 0 } keys)
                {
                    unused.ExceptWith(keys);                // the caller gives the module its packed weights
                    continue;
                }

                string key = source.Resolve(name) ?? throw new InvalidDataException(
                    $"'{source.Path}': key '{name}' is missing{source.WhyMissing(name)}; "
                    + $"expected shape [{string.Join(", ", parameter.shape)}].");
                unused.Remove(key);
                Put(source, key, parameter, type, checkFinite);
            }

            string? odd = unused.Where(key => !source.IsOptional(key)).Order(StringComparer.Ordinal).FirstOrDefault();
            if (odd is not null)
            {
                throw new InvalidDataException($"'{source.Path}': key '{odd}' is not part of the model that the configuration describes.");
            }

            if (device.type != DeviceType.CPU)
            {
                module.to(device);
            }

            module.eval();
            return module;
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    private static void Put(IWeightSource source, string key, Tensor parameter, ScalarType type, bool checkFinite)
    {
        using var scope = NewDisposeScope();
        var shape = source.ShapeOf(key);
        if (!shape.SequenceEqual(parameter.shape))
        {
            throw new InvalidDataException(
                $"'{source.Path}': key '{key}' has shape [{string.Join(", ", shape.ToArray())}]; "
                + $"expected [{string.Join(", ", parameter.shape)}].");
        }

        var stored = source.Read(key);
        if (!stored.is_floating_point())
        {
            throw new InvalidDataException(
                $"'{source.Path}': key '{key}' has elements of type {stored.dtype}; expected floating-point weights.");
        }

        var value = stored.to_type(type);
        if (checkFinite && !FiniteWeights.Holds(value))
        {
            throw new InvalidDataException(
                $"'{source.Path}': key '{key}' holds values that are not finite{(stored.dtype == type ? "" : $" as {type}")}; "
                + "expected numbers.");
        }

        parameter.set_(value);
    }
}

/// <summary>Stored tensors under the published names.</summary>
internal interface IWeightSource
{
    /// <summary>Gets the file or folder, for messages.</summary>
    string Path { get; }

    /// <summary>Gets the stored keys.</summary>
    IEnumerable<string> Keys { get; }

    /// <summary>Finds the stored key of a parameter.</summary>
    string? Resolve(string parameter);

    /// <summary>Gets the stored keys of a parameter that lies there in few bits, or none.</summary>
    string[] SmallKeysOf(string parameter) => [];

    /// <summary>Says in a few words why a parameter has no stored key, or nothing where none is stored at all.</summary>
    string WhyMissing(string parameter) => "";

    /// <summary>Whether a stored tensor may stay unused.</summary>
    bool IsOptional(string key);

    /// <summary>Gets the shape of a stored tensor.</summary>
    ReadOnlySpan<long> ShapeOf(string key);

    /// <summary>Reads a tensor to the CPU, without a copy where the storage allows it.</summary>
    Tensor Read(string key);
}
