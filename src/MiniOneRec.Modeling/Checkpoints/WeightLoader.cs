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
    /// <exception cref="InvalidDataException">A key is missing, has another shape, or does not belong; the message names it.</exception>
    public static T Load<T>(Func<T> make, IWeightSource source, Device device, ScalarType type)
        where T : nn.Module
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        T module;
        using (Weights.WithoutMemory(type))
        {
            module = make();
        }

        var unused = new HashSet<string>(source.Keys, StringComparer.Ordinal);
        try
        {
            foreach (var (name, parameter) in module.named_parameters())
            {
                string key = source.Resolve(name) ?? throw new InvalidDataException(
                    $"'{source.Path}': key '{name}' is missing; expected shape [{string.Join(", ", parameter.shape)}].");
                unused.Remove(key);
                Put(source, key, parameter, type);
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

    private static void Put(IWeightSource source, string key, Tensor parameter, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var shape = source.ShapeOf(key);
        if (!shape.SequenceEqual(parameter.shape))
        {
            throw new InvalidDataException(
                $"'{source.Path}': key '{key}' has shape [{string.Join(", ", shape.ToArray())}]; expected [{string.Join(", ", parameter.shape)}].");
        }

        parameter.set_(source.Read(key).to_type(type));
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

    /// <summary>Whether a stored tensor may stay unused.</summary>
    bool IsOptional(string key);

    /// <summary>Gets the shape of a stored tensor.</summary>
    ReadOnlySpan<long> ShapeOf(string key);

    /// <summary>Reads a tensor to the CPU, without a copy where the storage allows it.</summary>
    Tensor Read(string key);
}
