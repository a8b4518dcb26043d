namespace MiniOneRec.Reinforcement;

/// <summary>Sharpens or flattens what may follow a prefix, and cuts its tail.</summary>
/// <param name="Temperature">Divides log-probabilities before they are renormalised.</param>
/// <param name="TopP">The mass that is kept, likeliest first; 1 keeps all.</param>
internal readonly record struct SamplingDistribution(double Temperature, double TopP)
{
    /// <summary>Gets log-probabilities of the steps; −∞ where cut.</summary>
    public double[] Of(TrieWalk.Step[] steps)
    {
        double temperature = Temperature;
        double[] values = [.. steps.Select(step => step.LogProbability / temperature)];
        Renormalise(values);
        if (TopP < 1)
        {
            double mass = 0;
            foreach (int i in Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]).ToArray())
            {
                double probability = Math.Exp(values[i]);
                values[i] = mass < TopP ? values[i] : double.NegativeInfinity;
                mass += probability;
            }

            Renormalise(values);
        }

        return values;
    }

    /// <summary>Draws a place by its log-probability.</summary>
    public static int Draw(ReadOnlySpan<double> logProbabilities, Random random)
    {
        double at = random.NextDouble();
        int last = 0;
        for (int i = 0; i < logProbabilities.Length; i++)
        {
            double probability = Math.Exp(logProbabilities[i]);
            if (probability > 0)
            {
                last = i;
                at -= probability;
                if (at < 0)
                {
                    return i;
                }
            }
        }

        return last;                                            // rounding left a little of the unit
    }

    private static void Renormalise(Span<double> values)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (double value in values)
        {
            largest = Math.Max(largest, value);
        }

        foreach (double value in values)
        {
            sum += Math.Exp(value - largest);
        }

        double total = largest + Math.Log(sum);
        foreach (ref double value in values)
        {
            value -= total;
        }
    }
}
